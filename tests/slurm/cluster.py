"""A real Slurm on this machine: one controller and several nodes, all in one folder."""

import contextlib
import os
import random
import secrets
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import psutil

from tests.project import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "srun")
"""What tests/slurm/install.sh installs."""

ACCOUNTING_PROGRAMS = ("mariadbd", "mariadb-install-db", "slurmdbd", "sacct", "sacctmgr")

PARTITION = "race"

CONFIGURATION = """\
ClusterName=race
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until the credentials of its first start are void: 120 s by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin={task_plugin}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
SchedulerParameters=sched_interval=2,batch_sched_delay=0
KillWait=10
MinJobAge=300
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
"""


WITHOUT_ACCOUNTING = "AccountingStorageType=accounting_storage/none\n"

# The socket is named once more: where munge is asked, this password is the way to it.
WITH_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accountant_port}
AccountingStoragePass={folder}/munge.socket
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
"""

ACCOUNTANT = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdPort={accountant_port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass={password}
"""

DATABASE_USER = """\
CREATE USER 'slurm'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'127.0.0.1';
"""


def missing(*others: str) -> list[str]:
    """List the programs that are not installed."""
    return [program for program in (*PROGRAMS, *others) if which(program) is None]


class Cluster:
    """Daemons that hold their state in a folder, and end with `stop`.

    Parameters
    ----------
    folder : Path
        Of its own.
    nodes : int
        How many nodes to pretend, each a slurmd on this machine.
    cpus : int
        How many processors each says that it has.
    task_plugin : str
        What binds jobs to processors.
    keeps_accounts : bool
        Whether jobs are written down in a database, where `sacct` finds them.
    """

    def __init__(
        self, folder: Path, nodes: int, cpus: int, task_plugin: str, keeps_accounts: bool
    ) -> None:
        self.folder = folder
        self._keeps_accounts = keeps_accounts
        host = socket.gethostname().partition(".")[0]
        (folder / "state").mkdir(parents=True)
        controller_port, accountant_port, self._database_port, *node_ports = _free_ports(3 + nodes)
        settings = {
            "folder": folder,
            "host": host,
            "controller_port": controller_port,
            "accountant_port": accountant_port,
            "database_port": self._database_port,
            "password": secrets.token_hex(16),
            "task_plugin": task_plugin,
        }
        accounting = WITH_ACCOUNTING if keeps_accounts else WITHOUT_ACCOUNTING
        text = (CONFIGURATION + accounting).format(**settings)
        if keeps_accounts:
            accountant = folder / "slurmdbd.conf"
            accountant.touch(mode=0o600)  # slurmdbd refuses it where others may read the password
            accountant.write_text(ACCOUNTANT.format(**settings))
            (folder / "user.sql").write_text(DATABASE_USER.format(**settings))
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        for name, port in zip(self.nodes, node_ports, strict=True):
            text += (
                f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} "
                f"RealMemory=8000\n"
            )
        for partition, tier in ((PARTITION, 1), ("urgent", 2)):
            default = "YES" if partition == PARTITION else "NO"
            text += (
                f"PartitionName={partition} Nodes={','.join(self.nodes)} Default={default} "
                f"MaxTime=UNLIMITED State=UP PriorityTier={tier}\n"
            )
        (folder / "slurm.conf").write_text(text)
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder}:{os.environ['PATH']}",
        }
        # The executor starts srun without the variable that says where the configuration is.
        srun = folder / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {which("srun")} "$@"\n')
        srun.chmod(0o755)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all daemons and wait until the nodes are ready."""
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        places = [
            f"--{name}={self.folder}/munge.{name.removesuffix('-file')}"
            for name in ("socket", "pid-file", "log-file", "seed-file")
        ]
        self._start("munged", "--foreground", "--force", f"--key-file={key}", *places)
        wait_until((self.folder / "munge.socket").exists, "munge")
        if self._keeps_accounts:
            self._start_accounting()
        self.start_controller()
        for name in self.nodes:
            self._start("slurmd", "-D", "-N", name)
        wait_until(
            lambda: self.say("sinfo", "-h", "-o", "%T %D").strip() == f"idle {len(self.nodes)}",
            "idle nodes",
        )

    def _start_accounting(self) -> None:
        """Start the database and the daemon before it, and wait until it answers."""
        data = f"--datadir={self.folder}/database"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=root", data],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        self._start(
            *("mariadbd", "--no-defaults", "--user=root", data),
            *("--bind-address=127.0.0.1", f"--port={self._database_port}"),
            *(f"--{kind}={self.folder}/database.{kind}" for kind in ("socket", "pid-file")),
            f"--init-file={self.folder}/user.sql",
        )
        wait_until((self.folder / "database.socket").exists, "the database")
        self._start("slurmdbd", "-D")
        wait_until(lambda: self.say("sacctmgr", "-n", "list", "tres"), "slurmdbd")
        self.order("sacctmgr", "-i", "add", "cluster", "race")

    def start_controller(self) -> None:
        """Start the controller and wait until it answers."""
        self._start("slurmctld", "-D")
        wait_until(lambda: "is UP" in self.say("scontrol", "ping"), "slurmctld")

    def end(self, job: str) -> None:
        """Let a job run out of time: at the controller's next look, each half a minute."""
        self.order("scontrol", "update", f"JobId={job}", "EndTime=now")

    def restart_controller(self) -> None:
        """End the controller and start it again; jobs continue meanwhile."""
        daemon = self._daemons["slurmctld -D"]
        daemon.terminate()
        daemon.wait(timeout=30)
        self.start_controller()

    def stop(self) -> None:
        """End all jobs and daemons, also those that do not obey."""
        try:
            self.say("scancel", "--user", "root")
            wait_until(lambda: not self.say("squeue", "-h", "--states=R,CG"), "the jobs' end")
        finally:
            for daemon in reversed(self._daemons.values()):
                daemon.terminate()
                try:
                    daemon.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
            # A process whose parent ended first is no longer of a job for Slurm, which tracks them
            # by their parents.
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
                    process.wait(timeout=30)

    def processes(self) -> list[psutil.Process]:
        """Find the processes that were started with this cluster's configuration."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]:
                    found.append(process)
        return found

    def order(self, *command: str) -> None:
        """Run one of Slurm's commands, which has to obey."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def logs(self) -> str:
        """Give the ends of the daemons' logs."""
        return "\n".join(
            f"{path.name}:\n{path.read_text(errors='replace')[-3000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def say(self, *command: str) -> str:
        """Run one of Slurm's commands and give what it prints, nothing where it fails."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        ).stdout

    def _start(self, *command: str) -> None:
        log = (self.folder / "daemons.log").open("ab")
        with log:
            self._daemons[" ".join(command)] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )


@contextlib.contextmanager
def running(
    folder: Path,
    nodes: int,
    cpus: int = 1,
    task_plugin: str = "task/none",
    keeps_accounts: bool = False,
) -> Iterator[Cluster]:
    """Run a cluster while the block lasts."""
    cluster = Cluster(folder, nodes, cpus, task_plugin, keeps_accounts)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _free_ports(count: int) -> list[int]:
    """Find ports below those of which the kernel gives one to each client: it would be in use."""
    ports: list[int] = []
    with contextlib.ExitStack() as opened:
        for port in random.sample(range(20_000, 32_768), 1000):
            with contextlib.suppress(OSError):
                opened.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == count:
                break
    assert len(ports) == count, "no free ports"
    return ports

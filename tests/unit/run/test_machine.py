"""The description of the machine."""

import socket

from batch_race.run import machine


def test_a_slurm_node_has_its_name_in_slurm(monkeypatch):
    monkeypatch.setenv("SLURMD_NODENAME", "node7")
    assert machine.describe()["name"] == "node7"
    monkeypatch.delenv("SLURMD_NODENAME")
    assert machine.describe()["name"] == socket.gethostname()

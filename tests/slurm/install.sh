#!/bin/sh
# Install Slurm, munge and, for accounting, a database on Debian or Ubuntu, for the tests of this
# folder. Needs root.
set -eu
apt-get update
# None of it is to start by itself: the tests start daemons of their own, and end them.
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    slurm-wlm munge slurmdbd mariadb-server

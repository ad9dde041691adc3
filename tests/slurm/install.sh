#!/bin/sh
# Install Slurm and munge on Debian or Ubuntu, for the tests of this folder. Needs root.
set -eu
apt-get update
# Neither starts anything: the tests start daemons of their own, and end them.
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge

"""What the scripts share: functions that know nothing of Snakemake, each module with one job."""

"""From published files to arrays that are ready to train on."""

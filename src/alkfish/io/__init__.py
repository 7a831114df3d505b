"""Files in and out: images, probe profiles, tables, label images and case bundles."""

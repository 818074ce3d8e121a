"""What the commands of all papers share."""

"""What the four papers share: data, the training base, metrics, reports. No paper is imported here."""

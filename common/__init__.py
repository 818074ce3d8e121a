"""What the four papers share: data, training base, metrics, reports. It imports no paper."""

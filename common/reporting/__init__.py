"""Reports: tables, figures, sheets of images, and their forms as files."""

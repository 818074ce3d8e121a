"""The tests; a package, since tf2onnx installs one of this name too."""

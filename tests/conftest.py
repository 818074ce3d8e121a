"""What all tests share: a quiet TensorFlow on the CPU, with few threads a worker."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

"""Native CPU kernels: C++ with intrinsics, built at first use, each with a plain torch twin."""

//! Where submitted mail goes.

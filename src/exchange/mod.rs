//! What comes from and goes to other programs: an imported file is just another frame source.

//! The virtual probe over a virtual patient: a source like any other, with its ground truth beside each frame.

# Every word the app shows. Keys: room-thing.
app-name = portsight
notice-research = Research software. Not a medical device. Decide from the image, the feel of the needle and the aspirate.
notice-research-long = Research and simulation software. Not a medical device, not reviewed by any authority, not for use on patients. Overlays may be wrong. Decide from the original image, the feel of the needle and the aspirated fluid.
source-live = LIVE
source-replay = REPLAY
source-simulation = SIMULATION

# room: exchange
exchange-hint-readable = Check that the file is there and may be read.
exchange-hint-writable = Check that the folder is there and may be written, and that the disk is not full.
exchange-hint-kind = Convert the file to MetaImage or PNG, or name a folder of pictures.
exchange-hint-header = This is no MetaImage file, or its header is damaged. Copy the file again from where it came.
exchange-hint-field = Correct the header, or export the file again.
exchange-hint-large = Store the pixels uncompressed (they are then read frame by frame), or cut the sequence.
exchange-hint-copy = Copy the file again from where it came; it cannot be used as it is.
exchange-hint-cut = Copy the file again, or open its whole frames only.
exchange-hint-size = The header and the pixels do not belong together. Export the file again.
exchange-hint-rf = Export brightness (B-mode) instead.
exchange-hint-geometry = Give the geometry of the scan lines in a file (docs/FORMATS.md tells how), or export finished pictures.
exchange-hint-geometry-form = docs/FORMATS.md describes geometry files, with an example of each kind.
exchange-hint-crop = Give x, y, width and height in pixels of the stored picture; scan lines cannot be cropped.
exchange-hint-scale = Give millimetres a pixel, lateral first, as in 0.2,0.2.
exchange-hint-sizes = Keep pictures of one sequence in a folder of their own.
exchange-hint-folder = Name one file, or a folder of PNG or JPEG pictures.
exchange-hint-no-scale = Give the scale in millimetres a pixel if you know it from a ruler or a phantom.
exchange-note-no-scale = the file gives no scale: no millimetres and no path
exchange-note-orientation = the header names no orientation: taken as MF (marked side on the right, probe on top)
exchange-note-orientation-picture = a picture names no orientation: taken as MF (marked side on the right, probe on top)
exchange-note-stretch = 16-bit values { $least } to { $most } are shown as grey 0 to 255
exchange-note-volume = the header calls the third axis space, not time: its slices are shown as frames
exchange-note-turned = the header's TransformMatrix turns or mirrors the picture: it is not applied
exchange-note-invalid = { $count } frames are marked as not valid by the program that wrote them
exchange-note-times = { $count } frames have no time
exchange-note-backwards = frame times do not always increase
exchange-note-beyond = { $count } header fields belong to frames the file does not have
exchange-note-scale-given = the scale given ({ $given } mm a pixel) is used, not that of the header ({ $told })

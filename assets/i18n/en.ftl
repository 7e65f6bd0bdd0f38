# Every word the app shows. Keys: room-thing.
app-name = portsight
notice-research = Research software. Not a medical device. Decide from the image, the feel of the needle and the aspirate.
notice-research-long = Research and simulation software. Not a medical device, not reviewed by any authority, not for use on patients. Overlays may be wrong. Decide from the original image, the feel of the needle and the aspirated fluid.
source-live = LIVE
source-replay = REPLAY
source-simulation = SIMULATION

# Every word the app shows. Keys: room-thing.
app-name = portsight
notice-research = Research software. Not a medical device. Decide from the image, the feel of the needle and the aspirate.
notice-research-long = Research and simulation software. Not a medical device, not reviewed by any authority, not for use on patients. Overlays may be wrong. Decide from the original image, the feel of the needle and the aspirated fluid.
source-live = LIVE
source-replay = REPLAY
source-simulation = SIMULATION


# simulate
simulate-source-name = virtual patient: { $patient }
simulate-preset-easy = A pump with a recessed port under 14 mm of fat, linear array.
simulate-preset-deep = A recessed port under 40 mm of fat, curved array.
simulate-preset-rotated = A pump turned in its own plane: raised port, the catheter access port is in view too.
simulate-preset-tilted = A pump tilted by 11 degrees in the plane and 4 degrees across it.
simulate-preset-inverted = A pump whose blank side faces the skin: no port can be found.
simulate-preset-scar = Thick scar over the port.
simulate-preset-spastic = A patient who jerks every few seconds.
simulate-preset-no-pump = No pump: fat over muscle.
simulate-preset-fascia = No pump: a bright flat fascia with a gap in it.
simulate-preset-bone = No pump: a curved band of bone with a shadow.
simulate-preset-shadow = A blank face under scar and a strip without contact.
simulate-preset-haze = A port behind clutter.
simulate-preset-faint = A port in a face that hardly shines.
simulate-preset-access = The catheter access port alone in view.

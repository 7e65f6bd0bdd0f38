# What happens in the guest, in order; read by guest_init.sh. Bytes and times are chosen so that every fault falls into
# the middle of its run, however slow the emulated machine is.
interson_frame=246784
reference_frame=196688
interson_there() { there 1921 90; }
reference_there() { there 1209 1; }
video_there() { test -e /dev/video0; }

# Everything plugged in is listed, and may be opened.
order plug interson
order plug reference
order plug grabber
await interson_there
await reference_there
await video_there
run probes 20 probes --json

# The frame grabber: first every pixel by a client of our own, then the program.
run_client grab_client 30 grab_client /dev/video0 30
run grabber 60 live --source v4l2:/dev/video0 --headless --frames 100 --json /results/grabber.jsonl
order unplug reference
order unplug grabber
await gone reference_there

# The bar: 200 frames, pulled out in the middle, plugged in again 1.5 s later.
order yank interson $((80 * interson_frame)) 1500
run interson 110 live --source usb --headless --frames 200 --json /results/interson.jsonl
order unplug interson
await gone interson_there

# A halted endpoint, and later four seconds without a word.
order plug interson-faults
await interson_there
order stall interson-faults $((30 * interson_frame))
order silence interson-faults $((75 * interson_frame)) 4000
run faults 60 live --source usb --headless --frames 60 --json /results/faults.jsonl
order unplug interson-faults
await gone interson_there

# Our own protocol, pulled out as well.
order plug reference
await reference_there
order yank reference $((60 * reference_frame)) 1000
run reference 60 live --source usb --headless --frames 60 --json /results/reference.jsonl
order unplug reference
await gone reference_there

# The wires alone: every byte of 30 frames of a known pattern.
order plug interson-pattern
await interson_there
run_client pattern_client 30 probe_client interson 7230

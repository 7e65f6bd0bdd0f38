# What happens in the guests, in order; read by guest_init.sh. Two guests share the work, one a core. Faults come after
# so many bytes, so that they fall into the middle of their run however slow the emulated machine is.
interson_frame=246784
reference_frame=196688
interson_there() { there 1921 90; }
reference_there() { there 1209 1; }
video_there() { test -e /dev/video0; }

case $plan in
bar)
    # 200 frames, pulled out in the middle, plugged in again 1.5 s later.
    order plug interson
    await interson_there
    order yank interson $((80 * interson_frame)) 1500
    run interson 240 live --source usb --headless --wait 60 --frames 200 --json /results/interson.jsonl
    order unplug interson
    await gone interson_there
    ;;
others)
    # Everything plugged in is listed, and may be opened.
    order plug interson-listed
    order plug reference
    order plug grabber
    await interson_there
    await reference_there
    await video_there
    run probes 20 probes --json

    # The frame grabber: first every pixel by a client of our own, then the program.
    run_client grab_client 30 grab_client /dev/video0 30
    run grabber 170 live --source v4l2:/dev/video0 --headless --wait 60 --frames 100 --json /results/grabber.jsonl
    order unplug interson-listed
    order unplug reference
    order unplug grabber
    await gone interson_there
    await gone reference_there

    # A halted endpoint, and later four seconds without a word.
    order plug interson-faults
    await interson_there
    order stall interson-faults $((30 * interson_frame))
    order silence interson-faults $((75 * interson_frame)) 4000
    run faults 120 live --source usb --headless --wait 60 --frames 60 --json /results/faults.jsonl
    order unplug interson-faults
    await gone interson_there

    # Our own protocol, pulled out as well.
    order plug reference
    await reference_there
    order yank reference $((60 * reference_frame)) 1000
    run reference 120 live --source usb --headless --wait 60 --frames 60 --json /results/reference.jsonl
    order unplug reference
    await gone reference_there

    # The wires alone: every byte of 30 frames of a known pattern.
    order plug interson-pattern
    await interson_there
    run_client pattern_client 30 probe_client interson 7230
    ;;
esac

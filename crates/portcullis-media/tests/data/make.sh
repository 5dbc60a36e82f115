#!/bin/sh
# Makes the fixtures of this folder with ffmpeg and libx264. Run it in an empty folder.
set -eu
EXACT="-fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1"
picture() { printf '%s' "-f lavfi -i testsrc=size=96x64:rate=$1:duration=$2"; }
tone() { printf '%s' "-f lavfi -i sine=frequency=440:sample_rate=$1:duration=$2"; }
# x264 writes its options into the stream; filter_units drops them to keep files small.
NOSEI="-bsf:v filter_units=remove_types=6"
F="ffmpeg -v error -y"

$F $(picture 25 1) $(tone 44100 1) -c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p $NOSEI \
  -c:a aac -b:a 32k -metadata:s:a:0 language=eng $EXACT bframes_moov_last.mp4
$F -i bframes_moov_last.mp4 -c copy -movflags +faststart $EXACT moov_first.mp4
$F -i bframes_moov_last.mp4 -c copy -movflags +frag_keyframe+delay_moov+default_base_moof \
  $EXACT fragmented_moof_base.mp4
$F -i bframes_moov_last.mp4 -c copy -movflags +frag_keyframe+delay_moov $EXACT fragmented_data_offset.mp4
$F -i bframes_moov_last.mp4 -c copy -movflags +frag_keyframe+delay_moov+omit_tfhd_offset \
  $EXACT fragmented_previous_end.mp4
$F -i bframes_moov_last.mp4 -c copy -movflags +negative_cts_offsets $EXACT negative_offsets.mp4
$F $(picture 30000/1001 0.7) -c:v libx264 -profile:v baseline -level 1.1 -g 8 -pix_fmt yuv420p \
  $NOSEI $EXACT cavlc_baseline.mp4
$F $(picture 25 0.6) -c:v libx264 -g 8 -bf 1 -x264-params slices=4 -pix_fmt yuv420p \
  -aud 1 $EXACT multi_slice.mp4
$F $(picture 50 0.8) -vf interlace=scan=tff -c:v libx264 -flags +ilme+ildct -top 1 -g 8 -bf 2 \
  -pix_fmt yuv420p $NOSEI $EXACT mbaff.mp4
$F $(picture 24000/1001 1) -vf fade=in:0:12 -c:v libx264 -refs 4 -bf 3 -b_strategy 2 -weightp 2 \
  -x264-params repeat-headers=1:b-pyramid=strict:bframes=3 -g 12 -pix_fmt yuv420p -tag:v avc3 \
  $EXACT avc3_in_band.mp4
$F $(picture 25 0.4) -c:v libx264rgb -preset ultrafast -qp 40 -g 5 $NOSEI $EXACT high444_rgb.mp4
$F $(picture 25 0.2) -c:v libvpx-vp9 -b:v 20k $EXACT vp9.mp4

# What ffmpeg makes of them, for comparison: every packet, and the bits of every slice header.
for file in *.mp4; do
  name=${file%.mp4}
  ffprobe -v error -ignore_editlist 1 -show_entries \
    packet=stream_index,pts,dts,size,pos,flags -of csv=p=0 "$file" > "$name.packets.csv"
done
for name in bframes_moov_last cavlc_baseline multi_slice mbaff avc3_in_band high444_rgb; do
  ffmpeg -nostats -i "$name.mp4" -map 0:v -c copy -bsf:v trace_headers -f null - 2>&1 | awk '
    function flush() { if (bits) print packet - 1, bits; bits = 0 }
    / Packet: / { flush(); packet++; slice = 0 }
    / Slice Header$/ { flush(); slice = 1; next }
    / (Sequence|Picture) Parameter Set$| Supplemental| Access Unit/ { flush(); slice = 0 }
    slice && packet && $(NF - 1) == "=" { bits = $4 + length($(NF - 2)) }
    END { flush() }' > "$name.slices.txt"
done

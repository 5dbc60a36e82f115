#!/bin/sh
# Makes the demo film: a castle gate at sunrise, 20 s, in two qualities and two languages.
#
# It deliberately uses nothing but ffmpeg's own generators and one font of Debian's
# fonts-dejavu-core, so that the film belongs to nobody but this project.
#
#   film-360p.mp4, film-720p.mp4   H.264 High, 25 fps, B-frames, the same closed GOPs of 2 s
#   film-eng.mp4, film-deu.mp4     AAC-LC stereo 48 kHz, a melody each, a tick every second
#
# The frame row (read by console/test/frame-row.mjs): 16 squares at the top left of every frame,
# in 640x360 coordinates at x = 8 + 26 i, y = 8, each 24 x 24 on a grey band.
#   square  0       white            square 1        black
#   squares 2..11   the frame number as a Gray code, most significant bit first, white = 1
#   squares 12..15  the last four of those bits, inverted, as a check
#
# Usage: demo/make-clip.sh [FOLDER]     (default: the folder of this script)
set -eu

out=${1:-$(dirname "$0")}
font=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf
mono=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
seconds=20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

[ -r "$font" ] || { echo "make-clip: $font is missing: install fonts-dejavu-core" >&2; exit 2; }

run() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

# One still picture from geq expressions for red, green, blue and opacity.
still() { # name size r g b a
    run -f lavfi -i "color=c=black:s=$2:d=0.04:r=25,format=rgba,geq=r='$3':g='$4':b='$5':a='$6'" \
        -frames:v 1 "$work/$1.png"
}

# Night above, morning at the horizon.
still sky 1280x720 \
    '24+216*pow(min(Y/500\,1)\,1.6)' '30+120*pow(min(Y/500\,1)\,1.8)' '84+20*min(Y/500\,1)' 255
still sun 400x400 255 \
    '170+60*lt(hypot(X-200\,Y-200)\,80)' '90+80*lt(hypot(X-200\,Y-200)\,80)' \
    'if(lt(hypot(X-200\,Y-200)\,80)\,255\,110*max(0\,1-(hypot(X-200\,Y-200)-80)/118))'
far='gt(Y\,440+34*sin(X/120)+14*sin(X/47))'
near='gt(Y\,520+46*sin(X/170+2))'
# The road runs from the gate to the horizon.
road="$near*lt(abs(X-640-60*sin((Y-500)/90))\\,(Y-470)*0.42)"
still hills 1280x720 \
    "if($road\\,196\\,if($near\\,30\\,70))" "if($road\\,164\\,if($near\\,66\\,70))" \
    "if($road\\,120\\,if($near\\,60\\,112))" "255*max($far\\,$near)"
# Stones of 96 x 48, every second row shifted; the arch is a hole, its rim lighter.
arch='if(lt(Y\,390)\,hypot(X-640\,Y-390)\,abs(X-640))'
shift='48*mod(floor(Y/48)\,2)'
stone="84+13*mod(floor((X+$shift)/96)*7+floor(Y/48)*5\\,4)"
joint="max(lt(mod(Y\\,48)\\,4)\\,lt(mod(X+$shift\\,96)\\,4))"
rim="lt($arch\\,316)"
still wall 1280x720 \
    "if($rim\\,150\\,if($joint\\,52\\,$stone))" "if($rim\\,142\\,if($joint\\,50\\,$stone-4))" \
    "if($rim\\,130\\,if($joint\\,60\\,$stone+10))" "255*gt($arch\\,280)"
# The gate: upright bars with spikes, cross bars, a light edge on the left of each upright.
upright='lt(mod(X+12\,70)\,24)'
bar="max($upright*lt(Y\\,600)\\,lt(mod(Y+40\\,110)\\,20)*lt(Y\\,580))"
spike='gt(Y\,599)*lt(abs(mod(X+12\,70)-12)\,(650-Y)*0.32)'
edge="$upright*lt(mod(X+12\\,70)\\,7)"
still gate 560x660 \
    "if($edge\\,92\\,44)" "if($edge\\,88\\,42)" "if($edge\\,92\\,50)" "255*max($bar\\,$spike)"

# The frame row. Bit k of a Gray code is bit k+1 of (n + 2^k).
row='drawbox=x=0:y=0:w=852:h=80:color=0x606060:t=fill'
square() { # index colour [condition]
    row="$row,drawbox=x=$((16 + 52 * $1)):y=16:w=48:h=48:color=$2:t=fill${3:+:enable='$3'}"
}
square 0 white
square 1 black
for i in 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    k=$((11 - i)); on=1
    [ "$i" -lt 12 ] || { k=$((15 - i)); on=0; }
    square "$i" black
    square "$i" white "eq(mod(floor((n+pow(2,$k))/pow(2,$((k + 1)))),2),$on)"
done

# Closed, up within 1..6 s, open, down within 13..18 s: s runs smoothly from 0 to 1 and back.
lift='clip((t-1)/5,0,1)-clip((t-13)/5,0,1)'
smooth="(3*pow($lift,2)-2*pow($lift,3))"
lamp="enable='lt(mod(n,25),4)'"
clock='fontcolor=0xffc857:x=858:y=642'
label() { printf "drawtext=fontfile=%s:text='%s':fontsize=%s:fontcolor=%s:x=%s:y=%s" "$@"; }

x264() { # the same frame types at the same places in every rendition
    printf '%s' "-c:v libx264 -profile:v high -preset veryslow -tune animation -pix_fmt yuv420p \
        -refs 4 -g 50 -keyint_min 50 -sc_threshold 0 -bf 3 -flags +cgop+bitexact \
        -fflags +bitexact -threads 1 -color_primaries bt709 -color_trc bt709 \
        -colorspace bt709 -color_range tv -movflags +faststart -video_track_timescale 12800 -crf $1"
}

film="[0]fps=25[sky];
 [sky][1]overlay=x='340+8*t':y='400-17*t'[a];
 [a][2]overlay[b];
 [b][3]overlay=x=360:y='74-560*$smooth'[c];
 [c][4]overlay,format=yuv444p,
 drawbox=x=120:y=300:w=72:h=110:color=0x2a2420:t=fill,
 drawbox=x=1088:y=300:w=72:h=110:color=0x2a2420:t=fill,
 drawbox=x=128:y=308:w=56:h=94:color=0xffc857:t=fill:$lamp,
 drawbox=x=1096:y=308:w=56:h=94:color=0xffc857:t=fill:$lamp,
 drawbox=x=0:y=616:w=1280:h=104:color=0x14182a:t=fill,
 $(label $font 'The Gate' 56 white 40 640),
 drawtext=fontfile=$mono:timecode='00\\:00\\:00\\:00':rate=25:fontsize=56:$clock,
 $row,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,split[hd][sd];
 [hd]$(label $mono '720p' 44 white 1140 24)[v720];
 [sd]scale=640:360:flags=area,$(label $mono '360p' 24 white 564 12)[v360]"

still_input() { printf -- "-loop 1 -framerate 25 -t $seconds -i $work/$1.png "; }
# shellcheck disable=SC2046 # the helpers print argument lists on purpose
run $(still_input sky) $(still_input sun) $(still_input hills) $(still_input gate) \
    $(still_input wall) -filter_complex "$film" \
    -map '[v720]' $(x264 27) -t $seconds "$out/film-720p.mp4" \
    -map '[v360]' $(x264 26) -t $seconds "$out/film-360p.mp4"

# A melody: eight notes in four seconds, each struck and dying away, over a held bass;
# and a short high tick on every whole second, where the lamps light up.
melody() { # language, eight frequencies, bass, strength of the second overtone, title
    notes="0"; i=0
    for f in $2; do notes="if(eq(ld(0),$i),$f,$notes)"; i=$((i + 1)); done
    tune="0.28*exp(-5*ld(1))*(sin(2*PI*ld(2)*t)+$4*sin(4*PI*ld(2)*t))*min(1,ld(1)*200)"
    tick="0.2*lt(mod(t,1),0.03)*sin(2*PI*2000*t)"
    voice="st(0,floor(mod(t,4)*2));st(1,mod(t,0.5));st(2,$notes);$tune+0.07*sin(2*PI*$3*t)+$tick"
    run -f lavfi -i "aevalsrc=exprs='$voice|$voice':s=48000:d=$seconds:c=stereo" \
        -af "aphaser=in_gain=0.9:speed=0.3" -c:a aac -profile:a aac_low -b:a 40k -ac 2 \
        -flags +bitexact -fflags +bitexact -metadata:s:a:0 language="$1" \
        -metadata:s:a:0 handler_name="$5" -movflags +faststart "$out/film-$1.mp4"
}
melody eng '261.63 329.63 392.00 523.25 493.88 392.00 349.23 293.66' 130.81 0.3 English
melody deu '440.00 415.30 440.00 329.63 349.23 293.66 329.63 246.94' 110.00 0.7 Deutsch

ls -l "$out"/film-*.mp4

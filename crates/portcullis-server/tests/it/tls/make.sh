#!/bin/sh
# Makes the certificates of this folder: an authority, and a pretended issuer that it vouches
# for under the name `localhost`. Valid for a hundred years; the keys protect nothing.
set -eu
cd "$(dirname "$0")"
new() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
new authority.key
openssl req -x509 -new -key authority.key -subj "/CN=Portcullis test authority" -days 36500 \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
    -out authority.pem
new localhost.key
openssl req -new -key localhost.key -subj "/CN=localhost" -out localhost.csr
printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n' > localhost.ext
openssl x509 -req -in localhost.csr -CA authority.pem -CAkey authority.key -days 36500 \
    -set_serial 2 -extfile localhost.ext -out localhost.pem
rm authority.key localhost.csr localhost.ext

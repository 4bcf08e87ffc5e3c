#!/bin/sh
# Makes the secrets of docker-compose.yml: random passwords in files that belong to nobody else.
# Usage: sh deploy/compose/make-secrets.sh [FOLDER]     (default: secrets/ beside this script)
# Files that are there stay as they are, so it can be run again.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
# One that was there may let others in.
chmod 700 "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
secret() { [ -s "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"; }

for name in admin_password orthanc_password viewer_password rabbitmq_password postgres_password ris_password; do
  secret "$name" "$(random)"
done

value() { cat "$folder/$1"; }
# The same passwords, as the programs want to read them.
secret orthanc_users.json "{ \"RegisteredUsers\": { \"deep-health\": \"$(value orthanc_password)\", \"radiologist\": \"$(value viewer_password)\" } }"
secret viewer_htpasswd "radiologist:{PLAIN}$(value viewer_password)"
secret rabbitmq.conf "default_user = deep-health
default_pass = $(value rabbitmq_password)"

# Compose mounts each file as it is, and each container has an account of its own: the folder keeps others out,
# the files let the containers read.
chmod 644 "$folder"/*
printf 'Secrets are in %s\n' "$folder"
printf 'Console: user admin, password in %s\n' "$folder/admin_password"
printf 'Viewer and Orthanc: user radiologist, password in %s\n' "$folder/viewer_password"
printf 'RIS page: any user, password in %s\n' "$folder/ris_password"

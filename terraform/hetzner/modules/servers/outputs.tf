output "ids" {
  description = "Id of each server."
  value       = { for name, server in hcloud_server.this : name => tonumber(server.id) }
}

output "public_addresses" {
  description = "SSH address of each server."
  value       = { for name, server in hcloud_server.this : name => server.ipv4_address }
}

output "volume_device" {
  description = "Device of the data server's volume."
  value       = "/dev/disk/by-id/scsi-0HC_Volume_${hcloud_volume.data.id}"
}

output "ids" {
  description = "Name to the server's id."
  value       = { for name, server in hcloud_server.this : name => tonumber(server.id) }
}

output "public_addresses" {
  description = "Name to the address for SSH."
  value       = { for name, server in hcloud_server.this : name => server.ipv4_address }
}

output "volume_device" {
  description = "Where the data server finds its volume."
  value       = "/dev/disk/by-id/scsi-0HC_Volume_${hcloud_volume.data.id}"
}

# The servers. One stores the data; the app servers are identical and stateless.

resource "hcloud_ssh_key" "this" {
  for_each = var.ssh_keys

  name       = "${var.name}-${each.key}"
  public_key = each.value
}

# On different hosts, so that one failure does not affect two servers.
resource "hcloud_placement_group" "this" {
  name = var.name
  type = "spread"
}

resource "hcloud_volume" "data" {
  name              = "${var.name}-data"
  location          = var.location
  size              = var.data_gb
  format            = "ext4"
  delete_protection = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "hcloud_server" "this" {
  for_each = var.servers

  name               = "${var.name}-${each.key}"
  server_type        = each.value.type
  image              = var.image
  location           = var.location
  placement_group_id = tonumber(hcloud_placement_group.this.id)
  firewall_ids       = [var.firewall]
  ssh_keys           = [for key in hcloud_ssh_key.this : key.id]
  backups            = contains(each.value.roles, "data")
  delete_protection  = contains(each.value.roles, "data")
  rebuild_protection = contains(each.value.roles, "data")
  user_data          = var.cloud_init[each.key]

  labels = { for role in each.value.roles : role => "true" }

  public_net {
    ipv4_enabled = true
    ipv6_enabled = true
  }

  network {
    network_id = var.network
    ip         = var.addresses[each.key]
    # Without this, the provider sees missing aliases as a change.
    alias_ips = []
  }

  lifecycle {
    # Do not replace a server when its cloud-init configuration changes: later changes come with
    # the roll-out. A new image is for new servers.
    ignore_changes = [user_data, image, ssh_keys]
  }
}

resource "hcloud_volume_attachment" "data" {
  for_each = { for name, server in var.servers : name => server if contains(server.roles, "data") }

  volume_id = tonumber(hcloud_volume.data.id)
  server_id = tonumber(hcloud_server.this[each.key].id)
  automount = false
}

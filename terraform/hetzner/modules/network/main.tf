# A private network between load balancer and servers, and a wall around the servers' public side.

resource "hcloud_network" "this" {
  name              = var.name
  ip_range          = var.range
  delete_protection = true
}

resource "hcloud_network_subnet" "this" {
  network_id   = hcloud_network.this.id
  type         = "cloud"
  network_zone = var.zone
  ip_range     = var.range
}

# Servers have a public address to fetch images and send mail, and nobody comes in by it: what no rule lets in stays out. The
# load balancer comes through the private network, where this wall does not stand.
resource "hcloud_firewall" "this" {
  name = var.name

  dynamic "rule" {
    for_each = length(var.admin_addresses) == 0 ? [] : [1]

    content {
      description = "Operators, by SSH"
      direction   = "in"
      protocol    = "tcp"
      port        = "22"
      source_ips  = var.admin_addresses
    }
  }
}

# A private network between load balancer and servers, and a firewall for the servers' public addresses.

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

# Servers have public addresses to pull images and send mail; incoming traffic needs a rule. The
# load balancer uses the private network, which the firewall does not cover.
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

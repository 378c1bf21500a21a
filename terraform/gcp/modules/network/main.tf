# A private network for outgoing traffic of functions and for the database, without access from outside.

resource "google_compute_network" "this" {
  name                            = var.prefix
  description                     = "Functions and database."
  auto_create_subnetworks         = false
  delete_default_routes_on_create = false
  routing_mode                    = "REGIONAL"
}

resource "google_compute_subnetwork" "functions" {
  name                     = "${var.prefix}-functions"
  description              = "Addresses of function instances; Cloud Run uses several per instance."
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.functions_range
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

# Only the database may be reached, and it is in Google's network, so the firewall denies everything.
resource "google_compute_firewall" "nothing_in" {
  name        = "${var.prefix}-nothing-in"
  description = "Denies all connections to function instances."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 65000

  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_global_address" "database" {
  name          = "${var.prefix}-database"
  description   = "Address range for Google-managed services (the database)."
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 24
}

resource "google_service_networking_connection" "database" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]
  # A peering with producers cannot be removed; deleting the network removes it.
  deletion_policy = "ABANDON"
}

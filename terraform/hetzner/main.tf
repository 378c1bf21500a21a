# All resources of the platform at Hetzner. This provider does not support Hetzner's object storage:
# infra/scripts/hetzner-bucket.sh creates the bucket (see README.md).

module "network" {
  source = "./modules/network"

  name            = local.name
  zone            = var.network_zone
  range           = var.range
  admin_addresses = var.admin_addresses
}

module "servers" {
  source = "./modules/servers"

  name       = local.name
  location   = var.location
  image      = var.image
  servers    = var.servers
  addresses  = local.addresses
  cloud_init = local.cloud_init
  network    = module.network.network
  firewall   = module.network.firewall
  ssh_keys   = var.ssh_keys
  data_gb    = var.data_gb
}

module "edge" {
  source = "./modules/edge"

  name        = local.name
  location    = var.location
  type        = var.load_balancer_type
  domain      = var.domain
  subnet      = module.network.subnet
  health_path = var.health_path
  targets     = { for name in local.apps : name => module.servers.ids[name] }
}

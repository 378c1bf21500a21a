# Values derived from the manifest and the list of servers.

module "manifest" {
  source = "../modules/manifest"

  text = file("${path.root}/${var.manifest}")
}

locals {
  functions = module.manifest.functions
  name      = "${var.prefix}-${var.environment}"

  data = [for name, server in var.servers : name if contains(server.roles, "data")]
  apps = [for name, server in var.servers : name if contains(server.roles, "app")]

  # The first ten are reserved for the load balancer and the network.
  addresses    = { for name, server in var.servers : name => cidrhost(var.range, 10 + server.number) }
  data_address = local.addresses[local.data[0]]
}

module "settings" {
  source = "../modules/settings"

  functions       = { for function, one in local.functions : function => one.settings }
  secret_settings = module.manifest.secret_settings
  extra           = toset(keys(var.settings))

  # Settings that differ from infra/compose.yaml.
  values = merge({
    # The load balancer and Caddy.
    REVALENZ_TRUSTED_PROXIES = "2"
    REVALENZ_POOL            = tostring(var.pool)
    RUST_LOG                 = var.log_level
  }, var.settings)
}

# An instance of each function on each app server.
module "connections" {
  source = "../modules/connections"

  functions       = { for function in keys(local.functions) : function => { instances = length(local.apps), pool = var.pool } }
  jobs            = { migrate = 2, people = 2 }
  reserved        = 3
  max_connections = var.max_connections
}

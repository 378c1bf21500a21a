# Production: data on its own server, functions on two identical ones.

environment = "production"
domain      = "api.revalenz.example"
registry    = "registry.revalenz.example/revalenz"

servers = {
  data  = { number = 1, type = "ccx23", roles = ["data"] }
  app-1 = { number = 2, type = "cpx31", roles = ["app"] }
  app-2 = { number = 3, type = "cpx31", roles = ["app"] }
}
data_gb         = 200
pool            = 6
max_connections = 200

# Replace both before the first apply.
admin_addresses = ["192.0.2.7/32"]
ssh_keys        = { operator = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample operator" }

# Staging: everything on one small server.

environment = "staging"
domain      = "api.staging.revalenz.example"
registry    = "registry.revalenz.example/revalenz"

servers = {
  one = { number = 1, type = "cpx21", roles = ["app", "data"] }
}
data_gb = 20

# Replace both before the first apply.
admin_addresses = ["192.0.2.7/32"]
ssh_keys        = { operator = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample operator" }

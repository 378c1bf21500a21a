# Plans with mock providers: no account, no cloud.

mock_provider "hcloud" {
  # Identifiers are numeric strings.
  override_during = plan

  mock_resource "hcloud_network" { defaults = { id = "1" } }
  mock_resource "hcloud_firewall" { defaults = { id = "2" } }
  mock_resource "hcloud_placement_group" { defaults = { id = "3" } }
  mock_resource "hcloud_volume" { defaults = { id = "4" } }
  mock_resource "hcloud_server" { defaults = { id = "5" } }
  mock_resource "hcloud_load_balancer" { defaults = { id = "6" } }
  mock_resource "hcloud_managed_certificate" { defaults = { id = "7" } }
}

variables {
  environment     = "staging"
  domain          = "api.test.example"
  registry        = "registry.test.example/revalenz"
  data_gb         = 10
  admin_addresses = []
  ssh_keys        = {}
  servers = {
    one = { number = 1, type = "cpx21", roles = ["app", "data"] }
  }
}

run "nothing_is_open_but_the_load_balancer" {
  command = plan

  assert {
    condition     = length(output.open_ports) == 0
    error_message = "Without operators' addresses, SSH must be closed."
  }
}

run "every_function_is_told_what_it_reads" {
  command = plan

  assert {
    condition     = toset(keys(output.environment)) == toset(jsondecode(file("../../infra/manifest.json")).functions[*].name)
    error_message = "Expected the functions of the manifest."
  }
}

run "a_function_more_appears_on_every_server" {
  command = plan

  variables {
    manifest = "../gcp/tests/one-more.json"
    servers = {
      data  = { number = 1, type = "ccx13", roles = ["data"] }
      app-1 = { number = 2, type = "cpx21", roles = ["app"] }
      app-2 = { number = 7, type = "cpx21", roles = ["app"] }
    }
  }

  assert {
    condition     = output.environment.rooms == { REVALENZ_POOL = "4" }
    error_message = "Expected exactly the settings that it reads."
  }
  assert {
    condition     = alltrue([for name in ["app-1", "app-2"] : yamldecode(replace(local.place[name], "/!(override|reset) /", "")).services.rooms.extra_hosts[0] == "postgres:10.20.0.11"])
    error_message = "Expected both app servers, with the address of the data."
  }
  assert {
    condition     = yamldecode(replace(local.place.data, "/!(override|reset) /", "")).services.postgres.ports == ["10.20.0.11:5432:5432"] && !strcontains(local.place.data, "rooms")
    error_message = "The data server must expose its data to the private network only and run no function."
  }
  assert {
    condition     = output.connections.functions.rooms == 8
    error_message = "Expected connections of both app servers."
  }
  assert {
    condition     = output.data_address == "10.20.0.11" && local.addresses.app-2 == "10.20.0.17"
    error_message = "Expected addresses by server number."
  }
}

run "one_server_runs_everything" {
  command = plan

  assert {
    condition     = !strcontains(local.place.one, "elsewhere") && !strcontains(local.place.one, "extra_hosts") && !strcontains(local.place.one, ":5432")
    error_message = "Everything must be local, and the database not exposed."
  }
  assert {
    condition     = yamldecode(replace(local.place.one, "/!(override|reset) /", "")).services.caddy.ports == ["10.20.0.11:80:80"]
    error_message = "Caddy must listen in the private network only."
  }
}

run "first_instructions_fit_and_hold_no_secret" {
  command = plan

  assert {
    condition     = alltrue([for text in values(local.cloud_init) : length(text) < 32768])
    error_message = "Hetzner accepts at most 32 KiB."
  }
  assert {
    condition     = alltrue([for text in values(local.cloud_init) : !can(regex("(MASTER_KEY|PASSWORD|DATABASE_URL|SECRET)=", text))])
    error_message = "Must contain no secrets: every program on the server can read it."
  }
}

run "two_databases_are_refused" {
  command = plan

  variables {
    servers = {
      one = { number = 1, type = "cpx21", roles = ["app", "data"] }
      two = { number = 2, type = "cpx21", roles = ["data"] }
    }
  }

  expect_failures = [var.servers]
}

run "ssh_is_never_for_everybody" {
  command = plan

  variables {
    admin_addresses = ["0.0.0.0/0"]
  }

  expect_failures = [var.admin_addresses]
}

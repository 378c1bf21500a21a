# cloud-init of a server: Docker, its data on the volume, and the services of infra/compose.yaml for this server. It contains no
# secrets, because every program on the server can read it; secrets and the folder infra are copied with SSH (docs/operations.md).

locals {
  place = {
    for name, server in var.servers : name => templatefile("${path.module}/files/place.yaml.tftpl", {
      app             = contains(server.roles, "app")
      data            = contains(server.roles, "data")
      address         = local.addresses[name]
      data_address    = local.data_address
      range           = var.range
      domain          = var.domain
      functions       = module.settings.values
      max_connections = module.connections.budget.max_connections
    })
  }

  cloud_init = {
    for name, server in var.servers : name => "#cloud-config\n${yamlencode({
      package_update  = true
      package_upgrade = true
      packages        = ["docker.io", "docker-compose-v2", "jq", "rsync", "unattended-upgrades"]

      write_files = concat(
        [
          { path = "/etc/revalenz/place.yaml", content = local.place[name] },
          {
            path = "/etc/revalenz/place.env"
            content = join("", [for key, value in {
              REVALENZ_IMAGES = var.registry
              # All services, or those that other servers need from this one.
              SERVICES = contains(server.roles, "app") ? "" : "postgres rabbitmq migrate"
            } : "${key}=${value}\n"])
          },
          { path = "/etc/systemd/system/revalenz.service", content = file("${path.module}/files/revalenz.service") },
          { path = "/etc/ssh/sshd_config.d/10-revalenz.conf", content = file("${path.module}/files/sshd.conf") },
        ],
        contains(server.roles, "data") ? [
          { path = "/etc/docker/daemon.json", content = jsonencode({ data-root = "/var/lib/revalenz/docker", log-driver = "local" }) },
          { path = "/etc/systemd/system/docker.service.d/10-revalenz.conf", content = file("${path.module}/files/docker.conf") },
          ] : [
          { path = "/etc/docker/daemon.json", content = jsonencode({ log-driver = "local" }) },
        ],
      )

      mounts = contains(server.roles, "data") ? [[module.servers.volume_device, "/var/lib/revalenz", "ext4", "defaults,discard,nofail", "0", "2"]] : []

      runcmd = [
        ["systemctl", "reload", "ssh"],
        ["systemctl", "daemon-reload"],
        # Docker may have started before the volume was mounted.
        ["systemctl", "restart", "docker"],
        ["systemctl", "enable", "revalenz.service"],
      ]
    })}"
  }
}

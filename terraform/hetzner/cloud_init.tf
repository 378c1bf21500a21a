# A server's first instructions: what it needs to run infra/compose.yaml. No secret is among them, because every program on a
# server may read them; secrets come by SSH (docs/operations.md), and the containers start when they are there.

locals {
  compose = "${path.root}/../../infra/compose.yaml"

  # Non-secret settings of each function, a file each, which compose hands to it.
  function_files = {
    for function, values in module.settings.values : "/etc/revalenz/functions/${function}.env" => join("", [
      for setting, value in values : "${setting}=${value}\n"
    ])
  }

  cloud_init = {
    for name, server in var.servers : name => "#cloud-config\n${yamlencode({
      package_update  = true
      package_upgrade = true
      packages        = ["docker.io", "docker-compose-v2", "unattended-upgrades"]

      write_files = concat(
        [
          {
            path = "/etc/revalenz/revalenz.env"
            # Compose's own: which parts run here, where images come from, where the data is.
            content = join("", [for key, value in {
              COMPOSE_PROFILES = join(",", sort(server.roles))
              COMPOSE_FILE     = "/opt/revalenz/compose.yaml"
              REGISTRY         = var.registry
              DATA_ADDRESS     = local.data_address
              MAX_CONNECTIONS  = module.connections.budget.max_connections
              DATA_FOLDER      = "/var/lib/revalenz"
              # TLS ends at the load balancer.
              SITE_ADDRESS = ":80"
            } : "${key}=${value}\n"])
          },
          {
            path = "/etc/systemd/system/revalenz.service"
            content = templatefile("${path.module}/files/revalenz.service", {
              folder = "/var/lib/revalenz"
              mount  = contains(server.roles, "data")
            })
          },
          { path = "/etc/systemd/system/revalenz.path", content = file("${path.module}/files/revalenz.path") },
          { path = "/etc/ssh/sshd_config.d/10-revalenz.conf", content = file("${path.module}/files/sshd.conf") },
        ],
        [for file, content in local.function_files : { path = file, content = content }],
        # Compressed: all of this together may have 32 KiB.
        fileexists(local.compose) ? [{ path = "/opt/revalenz/compose.yaml", encoding = "gz+b64", content = base64gzip(file(local.compose)) }] : [],
      )

      mounts = contains(server.roles, "data") ? [[module.servers.volume_device, "/var/lib/revalenz", "ext4", "defaults,discard,nofail", "0", "2"]] : []

      runcmd = [
        ["systemctl", "reload", "ssh"],
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", "revalenz.path"],
      ]
    })}"
  }
}

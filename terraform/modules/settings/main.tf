# Settings of each function. A function does not start with an unknown REVALENZ_* setting, so each
# gets exactly the settings that the manifest lists for it and that have a value.

locals {
  values = {
    for name, settings in var.functions : name => {
      for setting, value in merge(var.values, lookup(var.own_values, name, {})) :
      setting => value if contains(settings, setting) && value != null
    }
  }
  secrets = {
    for name, settings in var.functions : name => merge(
      { for setting, secret in var.secrets : setting => secret if contains(settings, setting) },
      { for setting, suffix in var.own_secrets : setting => "${name}-${suffix}" if contains(settings, setting) },
    )
  }

  given   = distinct(concat(keys(var.values), flatten([for own in values(var.own_values) : keys(own)])))
  exposed = setintersection(local.given, var.secret_settings)
  unknown = setsubtract(var.extra, flatten(values(var.functions)))
}

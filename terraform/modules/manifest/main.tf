# Arranges infra/manifest.json for the clouds. Needs no provider, so it is tested without one.

locals {
  read = jsondecode(var.text)

  functions = {
    for function in local.read.functions : function.name => {
      about      = function.about
      prefixes   = function.prefixes
      root_paths = function.root_paths
      # Common settings and its own.
      settings = concat(local.read.settings[*].name, function.settings[*].name)
      jobs     = [for job in local.read.jobs : job.name if job.function == function.name]
      listens  = contains(local.read.subscriptions[*].function, function.name)
    }
  }

  jobs = {
    for job in local.read.jobs : "${job.function}/${job.name}" => {
      function = job.function
      name     = job.name
      schedule = job.schedule
      about    = job.about
    }
  }

  secret_settings = distinct([
    for setting in concat(local.read.settings, flatten(local.read.functions[*].settings)) :
    setting.name if try(setting.secret, false)
  ])

  paths    = flatten([for function in local.functions : concat(function.prefixes, function.root_paths)])
  strange  = [for name in keys(local.functions) : name if !can(regex("^[a-z][a-z0-9]{1,19}$", name))]
  nobody   = setsubtract(concat(local.read.jobs[*].function, local.read.subscriptions[*].function), keys(local.functions))
  internal = [for path in local.paths : path if can(regex("(?i)internal|metrics|readyz|livez|healthz", path))]
}

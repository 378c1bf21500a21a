# Number and size of instances of each function. The operator's value takes precedence, then the needs of the function's work,
# then the default size.

locals {
  # The relay works without requests; jobs continue after their response; a file transfer takes
  # as long as the client's connection needs.
  asked = {
    for function, jobs in var.jobs : function => {
      min        = function == "relay" ? 1 : null
      cpu_always = function == "relay" || length(jobs) > 0 ? true : null
      timeout    = contains(var.streams, function) ? "300s" : null
    }
  }

  sizes = {
    for function in keys(var.jobs) : function => merge(
      var.common,
      { for key, value in local.asked[function] : key => value if value != null },
      { for key, value in try(var.own[function], {}) : key => value if value != null },
    )
  }

  unknown  = setsubtract(keys(var.own), keys(var.jobs))
  inverted = [for function, size in local.sizes : function if size.min > size.max]
}

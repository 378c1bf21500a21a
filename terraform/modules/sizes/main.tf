# How many instances each function has, and how large. Whoever operates has the last word, then what the function's work asks
# for, then the common size.

locals {
  # The relay moves announcements whether somebody asks or not; jobs go on after their caller has had its answer; a file takes
  # as long as its owner's line does.
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

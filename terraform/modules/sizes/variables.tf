variable "jobs" {
  description = "Job names of each function."
  type        = map(list(string))
}

variable "streams" {
  description = "Functions that transfer files."
  type        = set(string)
  default     = []
}

variable "common" {
  description = "Default size of a function."
  type = object({
    min         = number
    max         = number
    pool        = number
    cpu         = string
    memory      = string
    concurrency = number
    timeout     = string
    cpu_always  = bool
  })
}

variable "own" {
  description = "Overrides of the size by function."
  type = map(object({
    min         = optional(number)
    max         = optional(number)
    pool        = optional(number)
    cpu         = optional(string)
    memory      = optional(string)
    concurrency = optional(number)
    timeout     = optional(string)
    cpu_always  = optional(bool)
  }))
  default = {}
}

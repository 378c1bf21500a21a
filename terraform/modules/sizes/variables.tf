variable "jobs" {
  description = "Function to the names of its jobs."
  type        = map(list(string))
}

variable "streams" {
  description = "Functions whose requests carry files."
  type        = set(string)
  default     = []
}

variable "common" {
  description = "A function's size, where nothing else is said."
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
  description = "Function to what differs."
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

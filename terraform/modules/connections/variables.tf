variable "functions" {
  description = "Maximum instances and pool size of each function."
  type = map(object({
    instances = number
    pool      = number
  }))
}

variable "jobs" {
  description = "Connections used by other processes, by name."
  type        = map(number)
  default     = {}
}

variable "reserved" {
  description = "Connections reserved for administrators and the cloud's agents."
  type        = number
}

variable "max_connections" {
  description = "max_connections of the database."
  type        = number
}

variable "functions" {
  description = "Function to the most instances it may have and the connections of each one's pool."
  type = map(object({
    instances = number
    pool      = number
  }))
}

variable "jobs" {
  description = "Connections of what runs beside the functions, by name."
  type        = map(number)
  default     = {}
}

variable "reserved" {
  description = "What the database keeps for its own administrators and its keeper's agents."
  type        = number
}

variable "max_connections" {
  description = "What the database accepts."
  type        = number
}

variable "instance_name" {
  description = "The machine's name, set by envchart."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.instance_name))
    error_message = "The name must be a host name: a-z, 0-9 and '-'."
  }
}

variable "authorized_key_file" {
  description = "The public SSH key that the machine accepts."
  type        = string
}

variable "host_key_file" {
  description = "The existing private SSH key of the machine, with the public key beside it, as FILE.pub."
  type        = string
}

variable "address" {
  description = "The machine's address, the third of a network of four; by default derived from the name."
  type        = string
  default     = null
}

variable "base" {
  description = "The root file system that the machine starts from, without writing to it; by default, that of this host."
  type        = string
  default     = "/"
}

variable "init" {
  description = "The machine's first process: sshd, or systemd, which needs a base with systemd and cloud-init."
  type        = string
  default     = "sshd"

  validation {
    condition     = contains(["sshd", "systemd"], var.init)
    error_message = "The first process must be sshd or systemd."
  }
}

variable "user_data" {
  description = "The user data for cloud-init, on a machine with systemd."
  type        = string
  default     = "#cloud-config"
}

variable "boot_delay" {
  description = "Seconds until the machine's SSH server is started."
  type        = number
  default     = 0
}

variable "state_dir" {
  description = "The directory for records of machines, absolute or below ~; it must outlive a reboot."
  type        = string
  default     = "/var/lib/envchart-machines"
}

package apache

// Account is the user and the group that Apache answers requests as on this system, when root
// starts it; "" where there is no user of the usual names.
func Account() (user, group string) { return defaultAccount() }

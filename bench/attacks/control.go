package main

import "context"

// control returns an attack of a user on the control socket.
func control(name, denied, says string, args ...string) *attack {
	return &attack{
		name: name, from: "user", denied: denied, says: says, by: "the control socket asks the kernel who connects",
		run: func(ctx context.Context, s *scene) (string, error) {
			out, err := s.as(ctx, attacker, args...)
			if err == nil {
				return "done " + out, nil
			}
			return out, ctx.Err()
		},
	}
}

// ofUsers returns the attacks of a user on the control socket.
func ofUsers() []*attack {
	return []*attack{
		control("look at the neighbour's app", `MGW-APP-109`, `status.*neighbour.*refused`, "status", "neighbour"),
		control("read the neighbour's log", `MGW-APP-109`, `logs.*neighbour.*refused`, "logs", "neighbour"),
		control("stop the neighbour's app", `MGW-APP-109`, `stop.*neighbour.*refused`, "stop", "neighbour"),
		control("restart the neighbour's app", `MGW-APP-109`, `restart.*neighbour.*refused`, "restart", "neighbour"),
		control("stop the host", `MGW-HST-027`, `shutdown.*refused`, "stop"),
		control("reload all apps", `MGW-HST-027`, `reload.*refused`, "reload"),
	}
}

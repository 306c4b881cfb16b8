package emulator

import (
	"net/http"
	"strings"
)

// The words in which Fyno refuses. Those of its reference are used letter by letter, because a
// client has nothing else to tell causes apart by: almost every refusal has the status 400.
//
// https://fyno.io/docs/api-reference

const (
	fynoNoSuchProfile   = "incorrect/non existing distinct_id provided"
	fynoNothingToUpdate = "Unable to update the record since the record does not exist"
	fynoNothingToMerge  = "merge from id does not exist"
	fynoNothingToDelete = "Cannot delete non existing user"
	fynoNoSuchChannel   = "Unable to delete channel since the channel does not exist"
	fynoNotSuppressed   = "Unable to delete non existing data!"
	fynoWrongOTP        = "user entered the wrong OTP"
	fynoBadCredentials  = "Invalid API details"
)

// fynoRefusal is a refusal with the words that the reference gives, or with words of the emulator's
// own.
func fynoRefusal(status int, message string) reply {
	return reply{status: status, body: fynoStatus{Message: message, Status: "error"}}
}

// fynoBad is a refusal with the status that Fyno gives almost always.
func fynoBad(message string) reply { return fynoRefusal(http.StatusBadRequest, message) }

// noSuchEvent refuses a notification event that the workspace does not have. The reference says
// "prod" where the version is live.
func noSuchEvent(event, version string) reply {
	if version == "live" {
		version = "prod"
	}
	return fynoBad("The notification event name '" + event + "' is invalid or does not exists on " + version)
}

func profileExists(distinctID, version string) reply {
	return fynoBad("Distinct ID '" + distinctID + "' already exists in the '" + version + "' version of your workspace")
}

func badDestination(channel string) reply {
	return fynoBad("Invalid destination for channel " + channel)
}

// fynoViolation is what Fyno says to a request that its contract forbids: in the words of the
// reference if it has some for the operation and the field, and otherwise the rule itself. The
// record has the rule in any case, see Request.Violation.
func fynoViolation(operation string, v violation) string {
	if action := fynoAction(v.field); action == "$unset" {
		return "$unset channel should have atleast one item in array"
	} else if action != "" {
		return action + " has object/keys that is not allowed"
	}
	missing := v.rule == ruleRequired || v.rule == ruleNotEmpty
	_, name, _ := strings.Cut(v.field, ".")
	switch {
	case !missing:
	case operation == "getPreferences" && name == "distinct_id":
		return "distinct_id is required to list preference!"
	case operation == "updatePreferences" && name == "distinct_id",
		operation == "updatePreference" && (name == "distinct_id" || name == "channel" || name == "status"):
		return name + " is required!"
	}
	return v.String()
}

// fynoAction returns the action on a user's properties that a field belongs to: "$set" of
// body.$set.level and of body.batch[0].action.$set, or "" for none.
func fynoAction(field string) string {
	for part := range strings.SplitSeq(field, ".") {
		switch part {
		case "$set", "$once", "$add", "$append", "$remove", "$unset":
			return part
		}
		if name, _, indexed := strings.Cut(part, "["); indexed && name == "$unset" {
			return name
		}
	}
	return ""
}

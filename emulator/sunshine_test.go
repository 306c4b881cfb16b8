package emulator

const sunshineUser = "/sunshine/v2/apps/" + SunshineAppID + "/users/ace/clients"

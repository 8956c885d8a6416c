package entity

// Call is one call through the call centre.
type Call struct {
	Meta
	ID                 string       `entity:"id,key" doc:"Id in the call centre"`
	StartedAt          Opt[Time]    `entity:"started_at" doc:"When the call began to ring"`
	AnsweredAt         Opt[Time]    `entity:"answered_at" doc:"When an agent answered"`
	EndedAt            Opt[Time]    `entity:"ended_at" doc:"When the call ended"`
	Direction          string       `entity:"direction,enum=inbound|outbound|internal" doc:"Direction"`
	FromNumber         string       `entity:"from_number,pii" doc:"Calling number"`
	ToNumber           string       `entity:"to_number,pii" doc:"Called number"`
	CustomerPhone      string       `entity:"customer_phone,pii" doc:"The customer's number of the two"`
	Queue              string       `entity:"queue" doc:"Queue"`
	AgentID            string       `entity:"agent_id" doc:"Agent who took the call"`
	AgentName          string       `entity:"agent_name" doc:"The agent's name"`
	Disposition        string       `entity:"disposition,enum=answered|abandoned|busy|failed|voicemail" doc:"How the call ended"`
	WaitSeconds        Opt[int64]   `entity:"wait_seconds" doc:"Seconds the caller waited"`
	TalkSeconds        Opt[int64]   `entity:"talk_seconds" doc:"Seconds of talk"`
	HoldSeconds        Opt[int64]   `entity:"hold_seconds" doc:"Seconds on hold"`
	Transfers          Opt[int64]   `entity:"transfers" doc:"Times the call was passed on"`
	Topic              string       `entity:"topic" doc:"What it was about"`
	Product            string       `entity:"product" doc:"Product it was about"`
	Outcome            string       `entity:"outcome" doc:"What came of it"`
	InCompetence       Opt[bool]    `entity:"in_competence" doc:"The agent could settle it"`
	RedirectedToOffice Opt[bool]    `entity:"redirected_to_office" doc:"The caller was sent to an office"`
	CallbackPromisedAt Opt[Time]    `entity:"callback_promised_at" doc:"Call-back promised for"`
	CallbackOf         string       `entity:"callback_of" doc:"Call that this one answers"`
	RecordingURL       string       `entity:"recording_url" doc:"Where the recording is"`
	Satisfaction       Opt[Decimal] `entity:"satisfaction" doc:"The caller's mark"`
}

func (Call) describe() (string, string, string) {
	return "callcenter", "calls", "Calls through the call centre"
}

// QueueEvent is something that happened to a call in a queue.
type QueueEvent struct {
	Meta
	ID      string            `entity:"id,key" doc:"Id, made from the event where the source has none"`
	At      Opt[Time]         `entity:"at" doc:"When it happened"`
	CallID  string            `entity:"call_id" doc:"Call it happened to"`
	Queue   string            `entity:"queue" doc:"Queue"`
	AgentID string            `entity:"agent_id" doc:"Agent"`
	Event   string            `entity:"event" doc:"What happened, in the source's words"`
	Data    map[string]string `entity:"data" doc:"Further values of the event"`
}

func (QueueEvent) describe() (string, string, string) {
	return "callcenter", "queue_events", "What happened to calls in queues"
}

// Agent is somebody who takes calls.
type Agent struct {
	Meta
	ID   string `entity:"id,key" doc:"Id in the call centre"`
	Name string `entity:"name" doc:"Name"`
	Team string `entity:"team" doc:"Team"`
}

func (Agent) describe() (string, string, string) {
	return "callcenter", "agents", "People who take calls"
}

package scaffold

import (
	"slices"
	"strings"

	"winback/connectors/entity"
)

// Further kinds of fields, of entities that are found by their contract.
const (
	boolean kind = iota + status + 1
	enumeration
	list
	seconds // a whole number, or a duration such as 1:02:03
)

// known is an entity of the contract and how its tables are recognised: by parts
// of the file's name, and by fields of which one of each group must have a column.
type known struct {
	entity string
	hints  string
	must   []string
	// names are headers of fields beside their own names and those of commonNames,
	// the surest first.
	names map[string]string
}

// commonNames are headers of fields that mean the same in many entities.
var commonNames = map[string]string{
	"name":         "name fullname title label наименование название имя фио",
	"customer_id":  "customerid clientid accountid companyid contactid customer client account company contact associatedcontactemail associatedcompanydomain контрагент клиент idклиента кодклиента компания покупатель",
	"order_id":     "orderid orderno order номерзаказа заказ idзаказа",
	"deal_id":      "dealid opportunityid deal opportunity сделка idсделки номерсделки",
	"manager_id":   "managerid ownerid userid manager owner dealowner activityowner ticketowner companyowner salesagent salesrep hubspotownerid hsownerid responsibleuserid assignedbyid ответственный менеджер сотрудник",
	"agent_id":     "agentid operatorid agent operator оператор агент",
	"email":        "email emailaddress mail элпочта эпочта почта электроннаяпочта емейл",
	"phone":        "phone phonenumber telephone mobile телефон номертелефона",
	"city":         "city town город officelocation",
	"country":      "country страна",
	"segment":      "segment sector industry сегмент отрасль",
	"currency":     "currency currencycode currencyid валюта",
	"amount":       "amount dealamount value closevalue sum total totalprice сумма бюджет стоимость оплачено",
	"at":           "at date datetime timestamp createdat createddate createdate activitydate processedat дата датаивремя датасоздания",
	"created_at":   "createdat createddate createdate createdtime creationdate opened датасоздания создана создан датаоткрытия",
	"channel":      "channel канал",
	"offer":        "offer предложение",
	"coupon":       "coupon couponcode code промокод купон",
	"cost":         "cost стоимость затраты",
	"reason":       "reason note причина",
	"result":       "result outcome calloutcome результат",
	"kind":         "kind type activitytype тип вид",
	"product":      "product productname товар продукт",
	"queue":        "queue queuename очередь",
	"opened_at":    "openedat opentime датаоткрытия открыто открыта",
	"clicked_at":   "clickedat clicktime клик переход",
	"started_at":   "startedat startdate starttime start begin датаначала начало",
	"ended_at":     "endedat enddate endtime end finish датаокончания окончание конец",
	"discount_pct": "discountpct discountpercent discount скидка процентскидки",
	"is_active":    "isactive active активен активна",
}

// contract lists what can be recognised besides a shop's orders, lines, customers
// and products. Of entities that fit a table alike, the first is taken.
var contract = []known{
	{"crm.deals", "deal opportunit pipeline lead сделк лид", []string{"id", "stage_id status", "amount title closed_at expected_close_at"}, map[string]string{
		"id":          "dealid opportunityid leadid idсделки номерсделки кодсделки",
		"customer_id": "accountid account companyid customerid clientid associatedcompanydomain companyname компания контрагент клиент",
		"contact_id":  "contactid contact associatedcontactemail контакт",
		"title":       "dealname opportunityname title name propertydealname названиесделки название сделка",
		"pipeline_id": "pipelineid dealpipelineid pipeline воронка",
		"stage_id":    "stageid statusid dealpipelinestageid stagename dealstage stage стадия этап стадиясделки этапсделки",
		"status":      "status dealstatus статус", "lead_source": "leadsource source источник",
		"amount":            "amount dealamount closevalue value price opportunity sum сумма бюджет стоимость",
		"created_at":        "createdate createddate createdat createdtime engagedate датасоздания создана",
		"expected_close_at": "expectedclosedate expectedcloseat плановаядатазакрытия", "closed_at": "closedate closedat closeddate датазакрытия закрыта датазавершения",
		"lost_reason": "closedlostreason lostreason lossreason lossreasonid причинаотказа причинапроигрыша", "competitor": "competitor конкурент", "margin": "margin маржа",
	}},
	{"crm.deal_stages", "stagehistory dealstage opportunityhistory историястад историяэтап", []string{"deal_id", "stage_id", "entered_at"}, map[string]string{
		"deal_id": "dealid opportunityid ownerid сделка", "stage_id": "stageid stage value стадия этап", "entered_at": "enteredat dateentered entered createdtime датавхода начало", "left_at": "leftat dateleft датавыхода",
		"seq": "seq sequence position номер",
	}},
	{"crm.stages", "stage стади этап", []string{"id name", "sort kind pipeline_id"}, map[string]string{
		"id": "stageid", "pipeline_id": "pipelineid pipeline воронка", "name": "label name stagename название стадия этап", "sort": "displayorder sort sortorder порядок", "kind": "kind semantics",
	}},
	{"crm.pipelines", "pipeline воронк", []string{"id", "name"}, map[string]string{"id": "pipelineid"}},
	{"crm.sales_plans", "plan quota target план", []string{"customer_id", "month", "amount"}, map[string]string{
		"month": "month period planmonth месяц период", "amount": "amount plan quota target сумма план",
	}},
	{"crm.payments", "payment paid invoice transaction оплат платеж", []string{"paid_at due_at", "amount"}, map[string]string{
		"id": "paymentid idплатежа номерплатежа", "paid_at": "paidat paymentdate paiddate processedat датаоплаты оплачен датаплатежа", "due_at": "dueat duedate срокоплаты оплатитьдо", "written_off": "writtenoff списано",
	}},
	{"crm.manager_assignments", "assignment закреплен", []string{"customer_id", "manager_id", "from_at"}, map[string]string{
		"from_at": "fromat from since assignedat startdate датаначала закреплен с", "to_at": "toat to until enddate датаокончания по",
	}},
	{"crm.complaints", "complaint ticket claim case претенз жалоб рекламац обращен", []string{"id", "opened_at", "resolved_at category severity text resolution"}, map[string]string{
		"id": "complaintid ticketid caseid claimid номеробращения номержалобы", "opened_at": "openedat createdate createdat created датаобращения датажалобы датасоздания дата",
		"answered_at": "answeredat firstresponseat firstagentreplydate датаответа", "resolved_at": "resolvedat closedate closeddate closedat solvedat датарешения датазакрытия",
		"category": "category tickettype topic ticketcategory категория тема", "text": "text description ticketdescription content текст описание", "severity": "severity важность",
		"customer_id": "customerid clientid companyid contactid associatedcontactemail клиент idклиента контрагент", "resolution": "resolution решение", "satisfied": "satisfied удовлетворен",
	}},
	{"crm.surveys", "survey nps feedback опрос анкет отзыв", []string{"score", "customer_id at"}, map[string]string{
		"id": "surveyid responseid", "score": "score rating nps satisfactionscore оценка балл", "score_max": "scoremax maxscore максимум",
		"stated_reason": "statedreason reason churnreason причина", "wish": "wish comment пожелание комментарий", "kind": "kind type surveytype тип",
	}},
	{"crm.activities", "activit engagement task meeting активност задач встреч действи дела", []string{"id", "at", "kind subject"}, map[string]string{
		"id": "activityid engagementid taskid", "at": "activitydate date timestamp hstimestamp createdat датаивремя дата", "kind": "activitytype engagementtype type kind тип вид",
		"subject": "subject callmeetingtitlesubject title emailsubject тема название", "due_at": "dueat duedate taskduedate срок крайнийсрок", "done_at": "doneat completedat выполнено датавыполнения",
		"direction": "direction направление", "result": "result calloutcome outcome результат итог",
	}},
	{"crm.business_events", "event событ", []string{"at", "title"}, map[string]string{"title": "title event name событие название", "kind": "kind type вид тип", "scope": "scope охват"}},
	{"crm.managers", "manager agent team owner employee staff user менеджер сотрудник", []string{"id name", "department hired_at email is_active left_at"}, map[string]string{
		"id": "managerid ownerid salesagent employeeid userid табельныйномер", "name": "salesagent fullname name менеджер сотрудник фио имя", "department": "department team regionaloffice office отдел подразделение",
		"hired_at": "hiredat hiredate датаприема принят", "left_at": "leftat terminationdate датаувольнения уволен",
	}},
	{"crm.customers", "account compan client customer contact контрагент клиент компан", []string{"id", "segment manager_id kind contract_started_at contract_terminated_at termination_reason birthday name"}, map[string]string{
		"id":   "customerid companyid accountid contactid account idклиента кодклиента кодконтрагента контрагент клиент",
		"name": "companyname fullname name propertycompany наименование название фио клиент", "segment": "segment sector industry сегмент отрасль", "kind": "kind customertype тип",
		"manager_id": "managerid companyowner contactowner owner manager ответственный менеджер", "birthday": "birthday birthdate dateofbirth деньрождения датарождения",
		"created_at": "createdat createdate createddate датасоздания датарегистрации", "contract_started_at": "contractstartedat contractstart contractdate датадоговора началодоговора",
		"contract_terminated_at": "contractterminatedat contractend churndate датарасторжения расторгнут", "termination_reason": "terminationreason churnreason причинарасторжения причинаухода",
		"marketing_consent": "marketingconsent consent согласие", "tags": "tags теги метки", "preferences": "preferences предпочтения",
	}},
	{"callcenter.calls", "call cdr voximplant звон вызов", []string{"started_at", "disposition talk_seconds wait_seconds from_number customer_phone topic queue"}, map[string]string{
		"id": "callid uniqueid idзвонка номерзвонка", "started_at": "startedat starttime callstartdate calldate start datetime date датаивремя датазвонка начало дата", "answered_at": "answeredat answer answertime ответ",
		"from_number": "fromnumber from src callernumber callerphone caller callerid откуда ктозвонил", "to_number": "tonumber to dst callee куда", "customer_phone": "customerphone clientphone phonenumber phone телефонклиента телефон",
		"agent_name": "agentname agent operator оператор менеджер", "disposition": "disposition callstatus status answeredyn answered callresult result статус результат",
		"wait_seconds": "waitseconds waittime speedofanswerinseconds ожидание времяожидания", "talk_seconds": "talkseconds talktime billsec callduration duration длительность времяразговора", "hold_seconds": "holdseconds holdtime удержание",
		"topic": "topic subject тема", "direction": "direction направление", "satisfaction": "satisfaction satisfactionrating rating оценка", "recording_url": "recordingurl recording запись", "outcome": "outcome result итог",
	}},
	{"callcenter.queue_events", "queuelog queueevent", []string{"at", "queue", "event"}, map[string]string{"call_id": "callid uniqueid", "event": "event событие"}},
	{"callcenter.agents", "agent operator оператор", []string{"id name", "team"}, map[string]string{"id": "agentid operatorid", "team": "team group группа команда"}},
	{"winback.touches", "touch send mailing contact касан рассыл", []string{"campaign_id", "at customer_id email phone"}, map[string]string{
		"id": "touchid messageid sendid", "campaign_id": "campaignid campaign emailcampaignid кампания idкампании", "at": "sentat sendat at date датаотправки дата", "is_control": "iscontrol control контроль контрольная",
		"delivered_at": "deliveredat доставлено", "replied_at": "repliedat ответ",
	}},
	{"winback.campaigns", "campaign promo кампан акци", []string{"id", "name", "channel offer started_at discount_pct"}, map[string]string{
		"id": "campaignid idкампании", "name": "campaignname name subject кампания название", "fixed_cost": "fixedcost budget бюджет", "attribution_days": "attributiondays", "horizon_days": "horizondays",
	}},
	{"winback.cart_reminders", "reminder напомин", []string{"cart_id", "at"}, map[string]string{"cart_id": "cartid checkoutid корзина", "at": "sentat at датаотправки дата"}},
	{"shop.refunds", "refund return возврат", []string{"order_id", "at", "amount reason"}, map[string]string{
		"id": "refundid returnid номервозврата", "at": "refundedat refunddate processedat createdat датавозврата дата", "amount": "refundamount amount total суммавозврата сумма",
	}},
	{"shop.carts", "cart checkout basket корзин", []string{"id", "value items", "created_at updated_at customer_id email"}, map[string]string{
		"id": "cartid checkoutid номеркорзины", "updated_at": "updatedat датаизменения", "value": "value total totalprice subtotalprice сумма",
	}},
	{"shop.exchange_rates", "rate курс", []string{"currency", "date", "rate"}, map[string]string{"date": "date дата", "rate": "rate exchangerate курс"}},
}

// vocabularyOf lists the fields of an entity and their headers.
func (e known) vocabulary() []vocabulary {
	var words []vocabulary
	for _, f := range entity.Lookup(e.entity).Fields {
		k, ok := kindOf(&f)
		if f.Meta || !ok {
			continue
		}
		names := []string{e.names[f.Name], normal(f.Name), commonNames[f.Name]}
		if f.Name == "id" {
			names = append(names, genericID)
		}
		word := vocabulary{field: f.Name, kind: k, names: strings.Join(names, " ")}
		if k == enumeration {
			word.words = wordsOf(e.entity, f.Name)
		}
		words = append(words, word)
	}
	return words
}

// kindOf tells what the values of a field must look like; ok is false for fields
// that no single column makes.
func kindOf(f *entity.Field) (k kind, ok bool) {
	switch f.Kind {
	case entity.Text:
		if f.Name == "id" || strings.HasSuffix(f.Name, "_id") {
			return id, true
		}
		return text, true
	case entity.Enum:
		return enumeration, true
	case entity.Timestamp, entity.Day:
		return timestamp, true
	case entity.Dec:
		return decimal, true
	case entity.Int:
		if strings.HasSuffix(f.Name, "_seconds") {
			return seconds, true
		}
		return whole, true
	case entity.Bool:
		return boolean, true
	case entity.TextList:
		return list, true
	}
	return text, false
}

// enumWords are the contract's words and what others call them, by field; those of
// an entity's own field stand under its full name.
var enumWords = map[string]map[string]string{
	"crm.deals.status":         {"won": wonWords, "lost": lostWords, "open": "open opened inprogress active new открыта вработе новая"},
	"crm.stages.kind":          {"won": wonWords, "lost": lostWords, "open": "open process открыта"},
	"crm.customers.kind":       {"person": "person individual b2c физлицо физическоелицо", "company": "company business b2b organization юрлицо юридическоелицо компания организация"},
	"crm.activities.kind":      {"call": "call phone звонок", "email": "email mail письмо", "meeting": "meeting встреча", "task": "task todo задача", "sms": "sms смс", "letter": "letter"},
	"direction":                {"inbound": "inbound incoming in входящий входящая", "outbound": "outbound outgoing out исходящий исходящая", "internal": "internal внутренний"},
	"disposition":              {"answered": "answered y yes connected отвечен принят", "abandoned": "abandoned noanswer n no missed пропущен неотвечен", "busy": "busy занято", "failed": "failed error congestion ошибка", "voicemail": "voicemail leftvoicemail автоответчик"},
	"crm.surveys.kind":         {"satisfaction": "satisfaction csat удовлетворенность", "exit": "exit уход", "nps": "nps"},
	"respondent":               {"customer": "customer client клиент", "employee": "employee сотрудник"},
	"crm.business_events.kind": {"price": "price цены цена", "assortment": "assortment ассортимент", "supplier": "supplier поставщик", "delivery": "delivery доставка", "staff": "staff персонал кадры", "it": "it", "other": "other другое прочее"},
}

const (
	wonWords  = "won closedwon success выиграна выиграно успешно успешнореализовано оплачено"
	lostWords = "lost lose closedlost failed failure проиграна проиграно отказ закрытоинереализовано неуспешно"
)

// wordsOf returns the contract's words of an enumeration.
func wordsOf(entityName, field string) map[string]string {
	if own, found := enumWords[entityName+"."+field]; found {
		return own
	}
	return enumWords[field]
}

// wordOf gives the contract's word for a word of the source, "" for an unknown one.
func wordOf(words map[string]string, word string) string {
	word = normal(word)
	for to, others := range words {
		if word == to || slices.Contains(strings.Fields(others), word) {
			return to
		}
	}
	return ""
}

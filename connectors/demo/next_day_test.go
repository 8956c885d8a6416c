package demo

import (
	"testing"
)

// TestGenerate_NextDay: the files of the next day tell the same of what was there, under the same numbers, as exports of
// a real system do.
func TestGenerate_NextDay(t *testing.T) {
	today, tomorrow := small(t.TempDir()), small(t.TempDir())
	tomorrow.End = today.End.AddDate(0, 0, 1)
	generate(t, today)
	generate(t, tomorrow)
	before, after := contents(t, today.Dir), contents(t, tomorrow.Dir)
	for _, c := range []struct {
		file      string
		delimiter rune
		id        string
		fixed     []string // columns that nothing changes any more
	}{
		{"data/cart_reminders.csv", ',', "reminder_id", []string{"cart_id", "sent", "channel", "cost"}},
		{"data/crm_complaints.csv", ';', "Обращение", []string{"Клиент", "Открыто"}},
		{"data/crm_surveys.csv", ';', "ID", []string{"Клиент", "Дата", "Оценка"}},
		{"data/customers.csv", ',', "user_id", []string{"registered"}},
		{"data/payments.csv", ';', "Счёт", []string{"Клиент", "Заказ", "Срок оплаты", "Сумма"}},
		{"data/refunds.csv", ';', "Возврат", []string{"Заказ", "Дата", "Сумма"}},
		{"data/touches.csv", ';', "Касание", []string{"Кампания", "Клиент", "Когда"}},
		{"data/service_calls.csv", ';', "Звонок", []string{"Начало", "Откуда", "Очередь"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			then := map[string]map[string]string{}
			for _, row := range readTable(t, after, c.file, c.delimiter) {
				then[row[c.id]] = row
			}
			rows := readTable(t, before, c.file, c.delimiter)
			if len(rows) == 0 {
				t.Fatal("it is empty")
			}
			for _, row := range rows {
				for _, column := range c.fixed {
					was, there := row[column]
					if is := then[row[c.id]][column]; is != was || !there {
						t.Fatalf("%s %s: %s was %q and is %q", c.id, row[c.id], column, was, is)
					}
				}
			}
		})
	}
}
